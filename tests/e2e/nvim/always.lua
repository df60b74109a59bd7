-- With live = 'always' and confirm = 'always': windows that open by themselves and do not take the
-- cursor, an edit of one file that is asked for, and one that gets stale while it is.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/caller.py')
local code = vim.api.nvim_get_current_win()

vim.fn.setreg('"', vim.fn.readfile(folder .. '/report.txt'))
vim.cmd('Postil locate')
local live = steps.float('The report says')
steps.check('the cursor stays', vim.api.nvim_get_current_win() == code)
steps.said('caller.py:6: The rate in rates.py gives 3.', 60)
steps.check('the window is gone with its job', not vim.api.nvim_win_is_valid(live.win))

local before = steps.text()
local asked = steps.answer('n')
vim.cmd('4,6Postil refactor simplify')
steps.said('you said no', 60)
steps.check(
  'one file is asked for',
  (asked.title or ''):find('change 1 file?', 1, true),
  asked.title
)
steps.check('a no changes nothing', steps.text() == before)

-- another program changes the buffer while the question stands
steps.forget()
asked = steps.answer('y', function()
  vim.api.nvim_buf_set_lines(vim.fn.bufnr('caller.py'), 0, 0, false, { '# by a formatter' })
end)
vim.cmd('4,6Postil refactor simplify')
steps.said('caller.py has changed since', 60)
steps.check('and it was asked for', asked.title ~= nil)
steps.check(
  'a stale edit is not applied',
  steps.text() == '# by a formatter\n' .. before,
  steps.text()
)

steps.forget()
require('postil.jobs').run('postil.noSuch', {})
steps.said('this server has no postil.noSuch; a newer Postil may')
steps.done(client)
