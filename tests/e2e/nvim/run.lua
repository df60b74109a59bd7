-- Runs one scenario once Neovim has started, as a user's keys would; ends with 1 when it raises.
-- Not with `-l`: there Neovim reads no keys, and a question would end it.
_G.arg = {}
for place, value in pairs(vim.json.decode(vim.env.POSTIL_TEST_ARGUMENTS)) do
  _G.arg[tonumber(place)] = value
end
vim.api.nvim_create_autocmd('VimEnter', {
  callback = vim.schedule_wrap(function()
    local ok, problem = xpcall(dofile, debug.traceback, _G.arg[0])
    if not ok then
      io.stdout:write('FAILED ' .. tostring(problem) .. '\n')
      vim.cmd('cquit 1')
    end
  end),
})
