-- Where a report comes from: real terminals, the quickfix list, a range. No server is started.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local report = require('postil.report')
local python = _G.arg[1]

local function read(source, args)
  return report.read(vim.tbl_extend('force', { range = 0 }, args or {}), source)
end

-- a terminal in which two programs fail: the last failure is the report, and nothing before it
local failing = ("%s -c 'print(1/0)'; echo between; %s -c 'import json; json.loads(str())'"):format(
  python,
  python
)
vim.cmd.enew()
local terminal = vim.api.nvim_get_current_buf()
vim.fn.jobstart({ 'sh', '-c', failing }, { term = true })
steps.check(
  'the terminal shows the failure',
  steps.wait(30, function()
    return steps.text(terminal):find('JSONDecodeError', 1, true)
  end)
)
local found = read('') or ''
steps.check(
  'the last failure is taken',
  vim.startswith(found, 'Traceback') and found:find('JSONDecodeError', 1, true)
)
steps.check('the one before is not', not found:find('ZeroDivisionError', 1, true), found)
steps.check(
  'a line that the terminal broke is whole',
  found:find('in loads\n', 1, true) and not found:find('\nson/', 1, true),
  found
)
vim.cmd.enew()
steps.check('from another window, too', read('terminal') == found)

steps.check(
  'lines are joined',
  vim.deep_equal(report.unwrapped({ 'abcd', 'ef', 'x' }, 4), { 'abcdef', 'x' })
)

local function last(text)
  return report.last_failure(vim.split(vim.trim(text), '\n'))
end
local chained = [[
$ python run.py
Traceback (most recent call last):
  File "a.py", line 1, in f
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in g
ValueError: no x]]
steps.check(
  'tracebacks that are chained are one failure',
  vim.startswith(last(chained), 'Traceback') and last(chained):find("KeyError: 'x'", 1, true),
  last(chained)
)
local pytest = [[
$ pytest
=========== FAILURES ===========
____ test_a ____
    def test_a():
>       assert f() == 2
E       assert 1 == 2
a.py:3: AssertionError
____ test_b ____
Traceback (most recent call last):
  File "a.py", line 9, in h
ValueError: no
======== 2 failed in 0.10s ========]]
steps.check(
  'a run of pytest is taken from its FAILURES',
  vim.startswith(last(pytest), '=========== FAILURES'),
  last(pytest)
)
local go = 'ok  a 0.1s\n--- FAIL: TestSum (0.00s)\n    sum_test.go:8: got 1, want 2\nFAIL'
steps.check('a Go test', vim.startswith(last(go), '--- FAIL: TestSum'), last(go))
local both = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 1\n$ node a.js\n'
  .. 'TypeError: f is no function\n    at g (a.js:3:1)'
steps.check('a later failure of another kind', vim.startswith(last(both), 'TypeError'), last(both))
local java =
  'Exception in thread "main" a.Wrong: no\n\tat a.B.c(B.java:3)\nCaused by: a.Cause: x\n\tat a.D.e(D.java:9)'
steps.check(
  'a Java exception with its cause',
  vim.startswith(last('$ java B\n' .. java), 'Exception in thread'),
  last(java)
)
steps.check('no failure, no report', last('$ ls\na.py  b.py') == nil)

vim.fn.setqflist(
  {},
  ' ',
  { title = 'make', items = { { filename = 'a.c', lnum = 3, text = 'undefined x' } } }
)
steps.check('the quickfix list', read('quickfix') == 'a.c:3: undefined x', read('quickfix'))
vim.fn.setqflist({}, 'r', { title = 'Postil: suspects', items = {} })
steps.check("but not Postil's own", select(2, read('quickfix')):find('own; :colder', 1, true))
vim.cmd.enew()
vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'one', 'two', 'three' })
steps.check('a range', read('', { range = 2, line1 = 2, line2 = 3 }) == 'two\nthree')
steps.check(
  'an empty range',
  select(2, read('', { range = 1, line1 = 4, line2 = 4 })) == 'the selected lines are empty'
)
vim.fn.setreg('a', 'from a')
steps.check('a register', read('a') == 'from a')
steps.done()
