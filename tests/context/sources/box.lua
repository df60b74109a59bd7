local json = require("cjson.safe")
local store = require "shop.store"

-- Keeps orders.
-- Well.
local Box = {}
Box.__index = Box
setmetatable(Box, { __index = Store })

--[[ Runs
once. ]]
function Box:run(size)
  local function inner() end
  helper(size)
  items.go(self:first())
  error("no such order in the box")
end

function Box.make() end
local function near() end
function top() end
local later = function() end
Box["odd"] = function() end

local handlers = {
  click = function(event) end,
  mouse = { down = function() end },
  text = [[a text in long brackets]],
}

local Line = Item:extend()
return Box
