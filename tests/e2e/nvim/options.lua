-- setup() with wrong options: one sentence each. No server is started here.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local setup = require('postil').setup

local function refused(options, sentence)
  local ok, problem = pcall(setup, options)
  steps.check('refused: ' .. sentence, not ok and problem == 'postil: ' .. sentence, problem)
end

refused({ efort = 'quick' }, 'there is no option named efort; did you mean effort?')
refused({ nonsense = 1 }, 'there is no option named nonsense')
refused({ effort = 'fast' }, 'effort must be one of quick, normal, deep, not "fast"')
refused({ effort = 3 }, 'effort must be one of quick, normal, deep, not 3')
refused(
  { context_tokens = 'many' },
  'context_tokens must be a whole number from 200 to 100000, not "many"'
)
refused(
  { context_tokens = 900.5 },
  'context_tokens must be a whole number from 200 to 100000, not 900.5'
)
refused({ context_tokens = 3 }, 'context_tokens must be a whole number from 200 to 100000, not 3')
refused({ cmd = 'postil serve' }, 'cmd must be a list of texts, not "postil serve"')
refused({ cmd = {} }, 'cmd must name a program')
refused({ endpoints = { 1 } }, 'endpoints must be a list of texts, not { 1 }')
refused({ live = true }, 'live must be one of explain, always, never, not true')
refused('effort=quick', 'setup() takes a table of options')

local merged = require('postil.options').merged({ effort = 'deep', reorder_weight = 0.5 })
steps.check(
  'what is not given is the default',
  merged.confirm == 'needed' and #merged.filetypes > 10
)
local told = require('postil.options').for_server(merged)
steps.check(
  'the server is told its own settings alone',
  vim.deep_equal(told, { effort = 'deep', reorder_weight = 0.5 }),
  vim.inspect(told)
)

steps.forget()
setup({ cmd = { 'no-such-postil' } })
steps.said('no-such-postil was not found; install Postil, or set cmd to where its command is')
vim.cmd('Postil locate')
steps.said('register " is empty; yank a report first')
vim.fn.setreg('"', 'it fails')
vim.cmd('Postil locate')
steps.said('the server is not running; open a file of a project first')
vim.cmd('Postil nonsense')
steps.said('there is no subcommand nonsense; try: clear, dismiss, doctor')
vim.cmd('Postil simplify')
steps.said('that is a refactoring: :Postil refactor simplify')
vim.cmd('Postil refactor')
steps.said('name a refactoring: change, document, extract')
vim.cmd('Postil refactor nonsense')
steps.said('there is no refactoring nonsense; try: change')
vim.cmd.edit(_G.arg[1] .. '/some.py')
vim.cmd('Postil refactor change')
steps.said('say what to change: :Postil refactor change make this async')
vim.cmd('Postil fix')
steps.said('there is no diagnostic on this line; say what is wrong')
vim.cmd.enew()
vim.cmd('Postil refactor simplify')
steps.said('this buffer is no file; go to one first')
vim.cmd('Postil locate nowhere')
steps.said('there is no nowhere; name a register, clipboard, quickfix or terminal')

local complete = function(line)
  return vim.fn.getcompletion(line, 'cmdline')
end
steps.check(
  'subcommands are completed',
  vim.deep_equal(complete('Postil re'), { 'refactor', 'rerun', 'restart', 'review' })
)
steps.check(
  'refactorings are completed',
  vim.deep_equal(complete('Postil refactor s'), { 'signature', 'simplify', 'split' })
)
steps.check(
  'sources are completed',
  vim.deep_equal(complete("'<,'>Postil locate "), { 'clipboard', 'quickfix', 'terminal' })
)
steps.check('words are not completed', #complete('Postil refactor change s') == 0)
vim.cmd('Postil')
local overview = steps.float(':Postil locate    find the bug that')
steps.check(
  'refactorings are listed',
  overview.text:find('Refactorings: change, document', 1, true)
)
steps.check('no server, no statusline', require('postil').statusline() == '')
steps.done()
