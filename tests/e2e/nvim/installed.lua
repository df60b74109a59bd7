-- A Neovim that has the plugin as README says, and nothing of the tests' own init: does it work?
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
steps.check(':Postil is there', vim.fn.exists(':Postil') == 2)
local from = vim.api.nvim_get_runtime_file('lua/postil/init.lua', true)
steps.check('from one place', #from == 1 and vim.startswith(from[1], _G.arg[2]), vim.inspect(from))
vim.cmd('helptags ALL')
vim.cmd('help postil-reports')
steps.check('its help is found', vim.fn.expand('%:t') == 'postil.txt')
vim.cmd('help :Postil-locate')
steps.check('and that of a command', vim.fn.getline('.'):find('Postil locate', 1, true))
vim.cmd('close')
local client = steps.attach(_G.arg[1] .. '/caller.py')
if _G.arg[3] ~= 'health' then
  steps.done(client)
end
vim.cmd('checkhealth postil')
local shown = steps.text()
io.stdout:write(shown .. '\n')
for _, text in ipairs({ 'Neovim 0.11', 'the server is running, version ', 'all 17 load', 'weights' }) do
  steps.check('checkhealth says ' .. text, shown:find(text, 1, true))
end
vim.cmd('bwipeout')
client:stop()
steps.wait(10, function()
  return client:is_stopped()
end)
vim.cmd('checkhealth postil')
shown = steps.text()
steps.check(
  'checkhealth starts the server',
  shown:find('the server starts, version ', 1, true),
  shown
)
require('postil').config.cmd = { '/bin/false' }
vim.cmd('checkhealth postil')
shown = steps.text()
steps.check(
  'and says when it does not start',
  shown:find('the server does not start', 1, true),
  shown
)
require('postil.health').start_ms = 200
require('postil').config.cmd = { vim.v.progpath, '--headless', '--clean', '+sleep 600' }
vim.cmd('checkhealth postil')
shown = steps.text()
steps.check('or when it is slow', shown:find('has not answered within 0.2 s', 1, true), shown)
steps.check(
  'and then does not leave it behind',
  steps.wait(10, function()
    return #vim.lsp.get_clients({ name = 'postil-health', _uninitialized = true }) == 0
      and #vim.api.nvim_get_proc_children(vim.fn.getpid()) == 0
  end)
)
require('postil').config.cmd = { 'no-such-postil', 'serve' }
vim.cmd('checkhealth postil')
steps.check('or is not there', steps.text():find('no-such-postil was not found', 1, true))
steps.done()
