if vim.g.loaded_postil then
  return
end
vim.g.loaded_postil = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('postil: Neovim 0.11 or newer is needed', vim.log.levels.ERROR)
  return
end

vim.api.nvim_create_user_command('Postil', function(args)
  require('postil.commands').run(args)
end, {
  nargs = '*',
  range = true,
  desc = 'Postil: locate a bug, fix, refactor, explain, show the reasoning',
  complete = function(lead, line)
    return require('postil.commands').complete(lead, line)
  end,
})
