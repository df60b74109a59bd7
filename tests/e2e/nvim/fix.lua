-- A finding is fixed on its line, words make a fix that is shown first, lines are searched for a bug,
-- and a note is dismissed.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/caller.py')
local before = steps.text()

local function with_code(code)
  return vim.tbl_filter(function(diagnostic)
    return diagnostic.code == code
  end, vim.diagnostic.get(0))
end

vim.fn.setreg('"', vim.fn.readfile(folder .. '/report.txt'))
vim.cmd('Postil locate')
steps.said('caller.py:6: The rate in rates.py gives 3.', 60)
steps.check(
  'the finding is there',
  steps.wait(10, function()
    return #with_code('finding') == 1
  end)
)

vim.api.nvim_win_set_cursor(0, { 6, 4 })
vim.cmd('Postil fix')
steps.said('1 file changed', 60)
steps.check('it is fixed', steps.text():find('return old_rate() + 1', 1, true), steps.text())
vim.cmd('silent undo')
steps.check('and back', steps.text() == before)

steps.forget()
local asked = steps.answer('n')
vim.cmd('6Postil fix it must give 4')
steps.said('you said no', 60)
steps.check(
  'a fix from words is shown first',
  (asked.text or ''):find('old_rate() + 1', 1, true),
  asked.text
)

steps.forget()
vim.cmd('4,6Postil find')
steps.said('caller.py:6: It returns the old rate.', 60)
steps.check(
  'what is found is a diagnostic',
  steps.wait(10, function()
    return #with_code('finding') >= 1
  end)
)

vim.api.nvim_win_set_cursor(0, { 6, 4 })
vim.cmd('Postil dismiss')
steps.said('dismissed')
steps.check(
  'its diagnostics are gone',
  steps.wait(10, function()
    return #with_code('finding') == 0
  end)
)
vim.api.nvim_win_set_cursor(0, { 1, 0 })
vim.cmd('Postil dismiss')
steps.said('there is no note on this line')
steps.done(client)
