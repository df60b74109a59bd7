-- Says on the screen that the server has asked for an edit, which a user is not told while they type.
local edits = require('postil.edits')
local handler = edits.apply_handler
edits.apply_handler = function(...)
  vim.o.tabline = 'an edit has come'
  vim.o.showtabline = 2
  return handler(...)
end
