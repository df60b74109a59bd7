#!/usr/bin/env bash
set -eu
source ./lib/store.sh
. "$HERE/money.sh"

# Keeps orders.
# Well.
keep-orders() {
  local size="$1"
  inner() { :; }
  helper "$size" | sort
  echo "no such order $size in the box"
}

function shop::top {
  die 'a text in single quotes'
}

function sub() (
  total=$(compute 1 2)
)

cat <<END
a text over a line
END
keep-orders "$@"
