-- With the scripted model: a change over two files as a code action, refused once, applied, undone.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/caller.py')
local before = steps.text()

local answers = { 2, 1 }
local questions = {}
vim.fn.confirm = function(question)
  table.insert(questions, question)
  return table.remove(answers, 1)
end
local messages = {}
vim.notify = function(message) table.insert(messages, message) end

local function change()
  vim.cmd('4,5Postil change rename old_rate to rate everywhere')
end

change()
steps.check('the user is asked', steps.wait(30, function() return #questions == 1 end), questions[1])
steps.check('a no is said back', steps.wait(10, function() return #messages == 1 end), messages[1])
steps.check('a no changes nothing', steps.text() == before)
change()
steps.check('the user is asked again', steps.wait(30, function() return #questions == 2 end))
steps.check('this file changed', steps.wait(10, function() return steps.text():find('return rate()', 1, true) end))
local other = vim.fn.bufnr(folder .. '/rates.py')
steps.check('the other file changed, unsaved', other > 0 and steps.text(other):find('def rate()', 1, true))
steps.check('nothing is written yet', table.concat(vim.fn.readfile(folder .. '/rates.py'), '\n'):find('def old_rate()', 1, true))
vim.cmd('silent undo')
steps.check('undo works here', steps.text() == before)
vim.api.nvim_buf_call(other, function() vim.cmd('silent undo') end)
steps.check('undo works there', steps.text(other):find('def old_rate()', 1, true))

vim.cmd('Postil nonsense')
steps.check('an unknown subcommand is named', steps.wait(5, function()
  return vim.iter(messages):any(function(m) return m:find('no subcommand', 1, true) ~= nil end)
end))
local ok, err = pcall(require('postil').setup, { modle = 'x' })
steps.check('a wrong option is named', not ok and err:find('no option named modle', 1, true) ~= nil, err)
messages = {}
require('postil').setup({ cmd = { 'no-such-postil' } })
steps.check('a missing server is named', messages[1] and messages[1]:find('was not found', 1, true) ~= nil, messages[1])
steps.done(client)
