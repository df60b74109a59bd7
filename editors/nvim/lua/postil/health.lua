--- :checkhealth postil

local M = {}

function M.check()
  local health, config = vim.health, require('postil').config
  health.start('postil')
  if vim.fn.has('nvim-0.11') == 1 then
    health.ok('Neovim is 0.11 or newer')
  else
    health.error('Neovim 0.11 or newer is needed')
  end
  if vim.fn.executable(config.cmd[1]) == 1 then
    health.ok('the server is ' .. vim.fn.exepath(config.cmd[1]))
  else
    health.error(config.cmd[1] .. ' was not found', 'install Postil or set cmd in setup()')
  end
  local clients = vim.lsp.get_clients({ name = 'postil' })
  if #clients > 0 then
    health.ok('the server is running')
  else
    health.info('the server is not running: it starts with the first file of a project')
  end
end

return M
