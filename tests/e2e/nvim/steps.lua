-- What the scenarios share: wait, check, count. Exit code 1 when any check failed.
local M = { failed = 0, messages = {} }

vim.notify = function(message)
  table.insert(M.messages, message)
end

function M.check(name, ok, detail)
  if not ok then
    M.failed = M.failed + 1
  end
  local said = detail and (' -- ' .. tostring(detail)) or ''
  io.stdout:write(('%s %s%s\n'):format(ok and 'ok' or 'FAILED', name, said))
  return ok
end

function M.wait(seconds, condition)
  return (vim.wait(seconds * 1000, condition, 20))
end

-- Wait until a message with this text has been shown; messages before the last `forget` do not count.
function M.said(text, seconds)
  local found
  M.wait(seconds or 20, function()
    found = vim.iter(M.messages):find(function(message)
      return message:find(text, 1, true) ~= nil
    end)
    return found
  end)
  return M.check(('it says "%s"'):format(text), found ~= nil, found or vim.inspect(M.messages))
end

function M.forget()
  M.messages = {}
end

function M.attach(file)
  vim.cmd.edit(file)
  local client
  M.check(
    'the server attaches',
    M.wait(30, function()
      client = vim.lsp.get_clients({ bufnr = 0, name = 'postil' })[1]
      return client and client.initialized
    end)
  )
  return client
end

function M.text(bufnr)
  return table.concat(vim.api.nvim_buf_get_lines(bufnr or 0, 0, -1, false), '\n')
end

-- The text of the floating window, once there is one with this text in its title or its lines.
function M.float(text, seconds)
  local found
  M.wait(seconds or 20, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      local config = vim.api.nvim_win_get_config(window)
      if config.relative ~= '' then
        local title = config.title and config.title[1] and config.title[1][1] or ''
        local shown = M.text(vim.api.nvim_win_get_buf(window))
        if (title .. '\n' .. shown):find(text, 1, true) then
          found =
            { win = window, buf = vim.api.nvim_win_get_buf(window), text = shown, title = title }
        end
      end
    end
    return found
  end)
  M.check(('a window shows "%s"'):format(text), found ~= nil)
  return found or { text = '', title = '' }
end

-- Press a key as soon as an edit is asked for; gives what was asked. `before` runs first.
function M.answer(key, before)
  local asked = {}
  local timer = assert(vim.uv.new_timer())
  timer:start(
    20,
    20,
    vim.schedule_wrap(function()
      for _, window in ipairs(vim.api.nvim_list_wins()) do
        local config = vim.api.nvim_win_get_config(window)
        local title = config.relative ~= '' and config.title and config.title[1][1] or ''
        if not asked.title and title:find('y yes, n no', 1, true) then
          asked.title = title
          asked.text = M.text(vim.api.nvim_win_get_buf(window))
          timer:stop()
          if before then
            before()
          end
          vim.api.nvim_input(key)
        end
      end
    end)
  )
  return asked
end

function M.done(client)
  if client then
    client:stop()
    M.check(
      'the server stops',
      M.wait(10, function()
        return client:is_stopped()
      end)
    )
  end
  vim.cmd('cquit ' .. (M.failed == 0 and 0 or 1))
end

return M
