-- Without any model: suspects, a rename over two files, a parameter more, and what needs a model.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/caller.py')

vim.fn.setreg('"', vim.fn.readfile(folder .. '/report.txt'))
vim.cmd('Postil locate')
steps.said('2 suspects, no finding: The model is switched off', 60)
steps.check('the cursor stays', vim.api.nvim_buf_get_name(0):find('caller.py', 1, true))

-- the name stands behind a character outside the basic plane
vim.api.nvim_win_set_cursor(0, { 6, 27 })
vim.fn.search('old_rate', 'c')
local asked = steps.answer('y')
vim.cmd('Postil refactor rename fee')
steps.said('2 files changed', 60)
steps.check('it was asked for', (asked.text or ''):find('+def fee():', 1, true), asked.text)
steps.check('the call', steps.text():find('return fee()', 1, true), steps.text())
steps.check('the import', steps.text():find('from rates import fee', 1, true))
local rates = vim.fn.bufnr(folder .. '/rates.py')
steps.check('the definition', steps.text(rates):find('def fee():', 1, true))

steps.forget()
steps.answer('y')
vim.fn.search('fee', 'w')
vim.cmd('Postil refactor signature add scale=1')
steps.said('changed, not saved', 60)
steps.check(
  'the parameter is there',
  steps.text(rates):find('def fee(scale=1):', 1, true),
  steps.text(rates)
)

steps.forget()
vim.cmd('6Postil explain')
steps.said('switched off')
steps.check('the window of a failed job is closed', #vim.tbl_filter(function(window)
  return vim.api.nvim_win_get_config(window).relative ~= ''
end, vim.api.nvim_list_wins()) == 0)
vim.cmd('Postil review all')
steps.said('say :Postil review, or :Postil review file')
steps.forget()
vim.cmd('Postil rerun')
steps.said('suspects, no finding: The model is switched off', 60)
vim.cmd('Postil doctor')
local doctor = steps.float('grammars', 100)
steps.check(
  'the doctor looks at llama.cpp, too',
  doctor.text:find('llama.cpp', 1, true),
  doctor.text
)
steps.done(client)
