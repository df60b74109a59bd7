-- Which command of the server is behind each subcommand, for the test that compares them.
io.stdout:write('ok ' .. vim.json.encode({
  subcommands = require('postil.commands').table(),
  known = require('postil.results').commands(),
  names = vim.tbl_keys(require('postil.commands').subcommands),
  refactorings = vim.tbl_keys(require('postil.commands').refactorings),
}) .. '\n')
vim.cmd('cquit 0')
