-- With the real small model: a report in a register, diagnostics, the trace by hover.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local client = steps.attach(_G.arg[1] .. '/pygls/protocol/json_rpc.py')
vim.fn.setreg('r', vim.fn.readfile(_G.arg[2]))
vim.cmd('Postil locate r')

local function with_code(code)
  return vim.tbl_filter(function(d) return d.code == code end, vim.diagnostic.get(nil))
end

steps.check('suspects are diagnostics', steps.wait(60, function() return #with_code('suspect') >= 3 end), #with_code('suspect'))
steps.check('the model has a finding', steps.wait(200, function() return #with_code('finding') == 1 end))
steps.wait(5, function() return #vim.fn.getqflist() > 0 end)
local named = vim.iter(vim.list_slice(vim.fn.getqflist(), 1, 3)):any(function(i)
  return i.text:find('_handle_response', 1, true) ~= nil and i.text:find('frame', 1, true) ~= nil
    or i.text:find('_handle_response', 1, true) ~= nil
end)
steps.check('the guilty function is in the first three of the quickfix list', named)

local finding = with_code('finding')[1]
if finding then
  io.stdout:write('cause: ' .. finding.message .. '\n')
  vim.cmd('buffer ' .. finding.bufnr)
  vim.fn.bufload(finding.bufnr)
  steps.wait(10, function() return vim.lsp.buf_is_attached(finding.bufnr, client.id) end)
  vim.api.nvim_win_set_cursor(0, { finding.lnum + 1, finding.col })
  vim.lsp.buf.hover()
  local float
  steps.check('hover opens', steps.wait(10, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        float = window
        return true
      end
    end
  end))
  if float then
    local shown = steps.text(vim.api.nvim_win_get_buf(float))
    io.stdout:write(shown .. '\n')
    steps.check('it shows the reasoning', shown:find('Reasoning (elicited', 1, true) ~= nil)
    steps.check('it shows what the model was shown', shown:find('Shown to the model', 1, true) ~= nil)
    steps.check('it names the model and its digest', shown:find('SHA-256', 1, true) ~= nil)
  end
end
steps.done(client)
