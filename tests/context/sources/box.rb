# frozen_string_literal: true

require "json"
require_relative "lib/store"

# Keeps orders.
# Well.
module Shop
  class Box < Base::Store
    include Comparable

    # Runs once.
    def run(size, unit = 1)
      helper size
      items.first.go
      tidy
      raise Missing, "no such order #{size} in the box"
    end

    def self.make; end
    def empty? = true
    def <=>(other); end

    def name=(value)
      "a name is not a doc"
    end

    class << self
      def shared; end
    end

    private def hidden; end
    define_method(:made) { 1 }
  end
end

class Shop::Line < Item; end

Point = Struct.new(:x) do
  def far; end
end

def top
  <<~TEXT
    a text over a line
  TEXT
end
