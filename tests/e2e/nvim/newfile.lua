-- An edit that makes a file: it is always asked for, and never made over a file that is there.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local folder = _G.arg[1]
local client = steps.attach(folder .. '/rates.py')
local place = folder .. '/tests/test_rates.py'

local asked = steps.answer('n')
vim.cmd('1,2Postil refactor test')
steps.said('you said no', 60)
steps.check(
  'it is said to be new',
  (asked.text or ''):find('test_rates.py (a new file)', 1, true),
  asked.text
)
steps.check('its text is shown', (asked.text or ''):find('+    assert old_rate() == 3', 1, true))
steps.check('a no makes no file', vim.uv.fs_stat(place) == nil and vim.fn.bufexists(place) == 0)

steps.forget()
steps.answer('y')
vim.cmd('1,2Postil refactor test')
steps.said('1 file changed', 60)
local made = vim.fn.bufnr(place)
steps.check(
  'a yes makes it',
  vim.uv.fs_stat(place) and steps.text(made):find('assert old_rate() == 3', 1, true)
)
vim.cmd('silent wall')
local written = table.concat(vim.fn.readfile(place), '\n')

local function answer_to(change)
  local params = { label = 'x', edit = { documentChanges = { change } } }
  local handler = assert(client.handlers['workspace/applyEdit'])
  return handler(nil, params, { client_id = client.id, method = 'workspace/applyEdit' })
end
local uri = vim.uri_from_fname(place)
local answer = answer_to({ kind = 'create', uri = uri, options = { overwrite = true } })
steps.check(
  'a file that is there is not made',
  not answer.applied and answer.failureReason == 'test_rates.py is there already',
  vim.inspect(answer)
)
steps.check('and has its text', table.concat(vim.fn.readfile(place), '\n') == written)
answer = answer_to({ kind = 'delete', uri = uri })
steps.check(
  'nothing is deleted',
  not answer.applied and vim.uv.fs_stat(place) ~= nil,
  vim.inspect(answer)
)

-- keys that were typed before anybody saw the question are no answer to it
local rates = vim.uri_from_fname(folder .. '/rates.py')
local start = { line = 0, character = 0 }
local edits = { { newText = '# new\n', range = { start = start, ['end'] = start } } }
require('postil').config.confirm = 'always'
vim.api.nvim_feedkeys('yes I am typing', 't', false)
answer = answer_to({ textDocument = { uri = rates }, edits = edits })
steps.check('what is typed is no yes', not answer.applied, vim.inspect(answer))
while vim.fn.getcharstr(0) ~= '' do
end
asked = steps.answer('y')
answer = answer_to({ textDocument = { uri = rates }, edits = edits })
steps.check('a yes to the question is one', answer.applied and asked.title, vim.inspect(answer))
steps.done(client)
