-- The plugin as a user has it, in a throw-away profile.
vim.opt.swapfile = false
vim.opt.shada = ''
vim.opt.hidden = true
vim.opt.runtimepath:prepend(vim.env.POSTIL_TEST_PLUGIN)
vim.cmd('runtime! plugin/postil.lua')
local options = vim.json.decode(vim.env.POSTIL_TEST_OPTIONS or '{}')
options.cmd = vim.json.decode(vim.env.POSTIL_TEST_CMD)
options.root_markers = { '.root' }
require('postil').setup(options)
vim.o.statusline = "%f%m%=%{%v:lua.require'postil'.statusline()%} "
