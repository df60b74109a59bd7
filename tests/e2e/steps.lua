-- What the scenarios share: wait, check, count. Exit code 1 when any check failed.
local M = { failed = 0 }

function M.check(name, ok, detail)
  if not ok then
    M.failed = M.failed + 1
  end
  io.stdout:write(('%s %s%s\n'):format(ok and 'ok' or 'FAILED', name, detail and (' -- ' .. tostring(detail)) or ''))
  return ok
end

function M.wait(seconds, condition)
  return (vim.wait(seconds * 1000, condition, 20))
end

function M.attach(file)
  vim.cmd.edit(file)
  local client
  M.check('the server attaches', M.wait(30, function()
    client = vim.lsp.get_clients({ bufnr = 0, name = 'postil' })[1]
    return client and client.initialized
  end))
  return client
end

function M.text(bufnr)
  return table.concat(vim.api.nvim_buf_get_lines(bufnr or 0, 0, -1, false), '\n')
end

function M.done(client)
  client:stop()
  M.check('the server stops', M.wait(10, function() return client:is_stopped() end))
  vim.cmd('cquit ' .. (M.failed == 0 and 0 or 1))
end

return M
