if vim.g.loaded_postil then
  return
end
vim.g.loaded_postil = true

vim.api.nvim_create_user_command('Postil', function(args)
  require('postil.commands').run(args)
end, {
  nargs = '+',
  range = true,
  desc = 'Postil: locate a bug, fix, simplify, extract, change, show the reasoning',
  complete = function(lead, line)
    return #vim.split(line, '%s+') <= 2 and require('postil.commands').complete(lead) or {}
  end,
})
