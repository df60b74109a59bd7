-- A server that thinks long: it is stopped, killed, and started again.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local client = steps.attach(_G.arg[1] .. '/caller.py')
local jobs = require('postil.jobs')

vim.fn.setreg('"', vim.fn.readfile(_G.arg[1] .. '/report.txt'))
vim.cmd('Postil locate')
steps.check(
  'suspects come before the model is done',
  steps.wait(30, function()
    return #vim.diagnostic.get(0) > 0
  end)
)
steps.check('the job runs', #jobs.running == 1)
vim.cmd('Postil stop')
steps.said('1 stopped')
steps.check('none runs now', #jobs.running == 0)
steps.check(
  'and the server has ended it, too',
  steps.wait(10, function()
    return vim.tbl_isempty(client.progress.pending)
  end),
  vim.inspect(client.progress.pending)
)

steps.forget()
vim.cmd('Postil locate')
local children = vim.api.nvim_get_proc_children(vim.fn.getpid())
steps.check('the server is one process of this Neovim', #children == 1, vim.inspect(children))
vim.uv.kill(children[1], 'sigkill')
steps.said('the server ended (signal 9); :Postil restart starts it again')
steps.check('its job has ended', #jobs.running == 0)
steps.check('no server, no statusline', require('postil').statusline() == '')

vim.cmd('Postil restart')
local again
steps.check(
  'it is back for the same buffer',
  steps.wait(30, function()
    again = vim.lsp.get_clients({ bufnr = 0, name = 'postil' })[1]
    return again and again.id ~= client.id and again.initialized
  end)
)
steps.check('the statusline knows', vim.startswith(require('postil').statusline(), 'Postil: '))
steps.forget()
vim.cmd('Postil status')
steps.float('model')
vim.cmd('normal q')
vim.cmd('Postil restart')
steps.check(
  'a running server is replaced',
  steps.wait(30, function()
    local third = vim.lsp.get_clients({ bufnr = 0, name = 'postil' })[1]
    return third and third.id ~= again.id and third.initialized
  end)
)
steps.check('nobody is told that it ended', #steps.messages == 0, vim.inspect(steps.messages))
steps.done(vim.lsp.get_clients({ name = 'postil' })[1])
