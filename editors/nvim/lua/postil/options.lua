--- The options of setup(): defaults, and one clear sentence for each that is wrong.
--- The server's own settings are known from `postil.settings`, which is generated.

local settings = require('postil.settings').known

local M = {}

---@class (exact) postil.Options: postil.Settings
---@field cmd? string[] how to start the server
---@field filetypes? string[] files that it is started for
---@field root_markers? string[] names that mark the folder of a project
---@field live? 'explain'|'always'|'never' for which jobs a window with the thinking opens by itself
---@field confirm? 'needed'|'always' which edits are asked for: those over several files and those
---  made from free text, or all

---@class (exact) postil.Config: postil.Options
---@field cmd string[]
---@field filetypes string[]
---@field root_markers string[]
---@field live 'explain'|'always'|'never'
---@field confirm 'needed'|'always'

--- What an option must be.
---@class (exact) postil.Kind
---@field type 'string'|'number'|'integer'|'boolean'|'list'
---@field one_of? string[]
---@field min? number
---@field max? number

---@type table<string, postil.Kind>
local own = {
  cmd = { type = 'list' },
  filetypes = { type = 'list' },
  root_markers = { type = 'list' },
  live = { type = 'string', one_of = { 'explain', 'always', 'never' } },
  confirm = { type = 'string', one_of = { 'needed', 'always' } },
}

---@return postil.Config
function M.defaults()
  return {
    cmd = { 'postil', 'serve' },
    -- stylua: ignore
    filetypes = {
      'python', 'javascript', 'javascriptreact', 'typescript', 'typescriptreact', 'go', 'java',
      'rust', 'c', 'cpp', 'kotlin', 'cs', 'ruby', 'php', 'swift', 'scala', 'lua', 'sh', 'bash',
    },
    -- stylua: ignore
    root_markers = {
      '.git', 'pyproject.toml', 'package.json', 'go.mod', 'Cargo.toml', 'pom.xml', 'CMakeLists.txt',
    },
    live = 'explain',
    confirm = 'needed',
  }
end

---@param kind postil.Kind
---@return string
local function wanted(kind)
  if kind.one_of then
    return 'one of ' .. table.concat(kind.one_of, ', ')
  end
  local noun = kind.type == 'list' and 'a list of texts'
    or kind.type == 'string' and 'a text'
    or kind.type == 'boolean' and 'true or false'
    or kind.type == 'integer' and 'a whole number'
    or 'a number'
  if kind.min and kind.max then
    return ('%s from %s to %s'):format(noun, kind.min, kind.max)
  end
  return noun
end

---@param value any
---@param kind postil.Kind
---@return boolean
local function fits(value, kind)
  if kind.type == 'list' then
    return vim.islist(value)
      and vim.iter(value):all(function(item)
        return type(item) == 'string'
      end)
  elseif kind.type == 'number' or kind.type == 'integer' then
    return type(value) == 'number'
      and (kind.type == 'number' or value == math.floor(value))
      and value >= (kind.min or value)
      and value <= (kind.max or value)
  end
  return type(value) == kind.type and (not kind.one_of or vim.list_contains(kind.one_of, value))
end

--- The known option that a wrong name is most like, by the letters that both have in a row.
---@param name string
---@param names string[]
---@return string?
local function nearest(name, names)
  local found = vim.fn.matchfuzzy(names, name)[1]
  if found then
    return found
  end
  return vim.iter(names):find(function(known)
    return #vim.fn.matchfuzzy({ name }, known) > 0 or known:sub(1, 3) == name:sub(1, 3)
  end)
end

--- Raises one sentence when a name is unknown or a value is wrong.
---@param options postil.Options
---@return postil.Config
function M.merged(options)
  if type(options) ~= 'table' then
    error('postil: setup() takes a table of options', 0)
  end
  local kinds = vim.tbl_extend('error', own, settings)
  local names = vim.tbl_keys(kinds)
  table.sort(names)
  for name, value in pairs(options) do
    local kind = kinds[name]
    if not kind then
      local near = nearest(tostring(name), names)
      local hint = near and ('; did you mean %s?'):format(near) or ''
      error(('postil: there is no option named %s%s'):format(name, hint), 0)
    end
    if not fits(value, kind) then
      local shown = vim.inspect(value, { newline = ' ', indent = '' })
      error(('postil: %s must be %s, not %s'):format(name, wanted(kind), shown), 0)
    end
  end
  if options.cmd and #options.cmd == 0 then
    error('postil: cmd must name a program', 0)
  end
  return vim.tbl_extend('force', M.defaults(), options)
end

--- What the server is told at its start: its own settings, as far as the user gave them.
---@param config postil.Config
---@return table
function M.for_server(config)
  local given = vim.empty_dict()
  for name in pairs(settings) do
    given[name] = config[name]
  end
  return given
end

return M
