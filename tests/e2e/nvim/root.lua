-- Which folder a file belongs to. No server is started.
local steps = dofile(vim.fs.joinpath(vim.fs.dirname(_G.arg[0]), 'steps.lua'))
local root_of = require('postil.client').root_of
local base = vim.uv.fs_realpath(_G.arg[1])
local function at(...)
  return vim.fs.joinpath(base, ...)
end

local file = at('project', 'inner', 'a.py')
vim.fn.mkdir(vim.fs.dirname(file), 'p')
vim.fn.mkdir(at('home', 'work'), 'p')
vim.env.HOME = at('home')

local cases = {
  { 'the working folder', at('project'), file, at('project') },
  { 'the one that is marked', at('project'), file, at('project', 'inner'), at('project', 'inner') },
  { 'not one that the file is not in', at('home', 'work'), file, nil },
  { 'not the home folder', at('home'), at('home', 'a.py'), nil },
  { 'nor one above it', base, at('home', 'a.py'), nil },
  { 'but one in it', at('home', 'work'), at('home', 'work', 'a.py'), at('home', 'work') },
}
for _, case in ipairs(cases) do
  local said, here, name, expected, marked = unpack(case, 1, 5)
  vim.cmd.cd(here)
  local mark = marked and vim.fs.joinpath(marked, '.mark')
  if mark then
    vim.fn.writefile({}, mark)
  end
  local found = root_of(name, { '.mark' })
  steps.check(said, found == expected, vim.inspect(found))
  if mark then
    vim.fn.delete(mark)
  end
end
vim.cmd('qall!')
