-- With the real small model: a report in a register, suspects, the finding, its reasoning by hover
-- and in a window.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local client = steps.attach(_G.arg[1] .. '/pygls/protocol/json_rpc.py')
vim.fn.setreg('r', vim.fn.readfile(_G.arg[2]))
vim.cmd('Postil locate r')

local function with_code(code)
  return vim.tbl_filter(function(d)
    return d.code == code
  end, vim.diagnostic.get(nil))
end

local window = vim.api.nvim_get_current_win()
steps.check(
  'suspects are diagnostics',
  steps.wait(60, function()
    return #with_code('suspect') >= 3
  end),
  #with_code('suspect')
)
vim.cmd('Postil trace')
local live = steps.float('Thinking', 60)
steps.check(
  'the thinking streams',
  steps.wait(200, function()
    return #vim.split(steps.text(live.buf), '%s+') > 8
  end),
  steps.text(live.buf)
)
if vim.api.nvim_win_is_valid(live.win) then
  vim.api.nvim_win_close(live.win, true)
end
steps.check(
  'the model has a finding',
  steps.wait(400, function()
    return #with_code('finding') == 1
  end)
)
local list
steps.check(
  'the finding is first in the quickfix list',
  steps.wait(20, function()
    list = vim.fn.getqflist()
    return list[1] and list[1].type == 'W'
  end)
)
local named = vim.iter(vim.list_slice(list, 1, 4)):any(function(item)
  return item.text:find('_handle_response', 1, true) ~= nil
end)
steps.check('the guilty function is among the first suspects', named)
steps.check('the cursor is where it was', vim.api.nvim_get_current_win() == window)

local finding = with_code('finding')[1]
if finding then
  io.stdout:write('cause: ' .. finding.message .. '\n')
  vim.cmd('buffer ' .. finding.bufnr)
  vim.fn.bufload(finding.bufnr)
  steps.wait(10, function()
    return vim.lsp.buf_is_attached(finding.bufnr, client.id)
  end)
  vim.api.nvim_win_set_cursor(0, { finding.lnum + 1, finding.col })
  vim.lsp.buf.hover()
  local shown = steps.float('Reasoning (elicited').text
  io.stdout:write(shown .. '\n')
  steps.check('it shows what the model was shown', shown:find('Shown to the model', 1, true))
  steps.check('it names the model and its digest', shown:find('SHA-256', 1, true))
  vim.cmd('Postil trace')
  local trace = steps.float('Postil: reasoning')
  steps.check('the whole trace is a document', trace.text:find('SHA-256', 1, true), trace.text)
end
steps.done(client)
