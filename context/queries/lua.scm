(function_declaration name: [(identifier) (dot_index_expression) (method_index_expression)] @function.name) @function
(variable_declaration (assignment_statement (variable_list . name: (identifier) @function.name) (expression_list . value: (function_definition)))) @function
(chunk (assignment_statement (variable_list . name: (_) @function.name) (expression_list . value: (function_definition))) @function)
(block (assignment_statement (variable_list . name: (_) @function.name) (expression_list . value: (function_definition))) @function)
(field name: (_) @function.name value: (function_definition)) @function
(chunk (variable_declaration (assignment_statement (variable_list . name: (identifier) @type.name .) (expression_list . value: (table_constructor) .))) @type (#match? @type.name "^[A-Z]"))
(chunk (assignment_statement (variable_list . name: (identifier) @type.name .) (expression_list . value: (table_constructor) .)) @type (#match? @type.name "^[A-Z]"))
(chunk (variable_declaration (assignment_statement (variable_list . name: (identifier) @type.name .) (expression_list . value: (function_call name: [(identifier) @_made (dot_index_expression field: (identifier) @_made) (method_index_expression method: (identifier) @_made)])))) @type (#any-of? @_made "class" "extend" "subclass" "setmetatable"))
(assignment_statement (variable_list . name: (identifier) @scope.name .) (expression_list . value: (table_constructor)) (#not-match? @scope.name "^[A-Z]")) @scope
(assignment_statement (variable_list . name: (dot_index_expression) @scope.name .) (expression_list . value: (table_constructor))) @scope
(field name: (identifier) @scope.name value: (table_constructor)) @scope
(function_call name: (identifier) @_set (#eq? @_set "setmetatable") arguments: (arguments (table_constructor (field name: (identifier) @_index (#eq? @_index "__index") value: (identifier) @base))))
(function_call name: (method_index_expression table: (identifier) @base method: (identifier) @_made (#any-of? @_made "extend" "subclass")))
(function_call name: (identifier) @_class (#eq? @_class "class") arguments: (arguments (identifier) @base))
(function_call name: (identifier) @call)
(function_call name: (dot_index_expression field: (identifier) @call))
(function_call name: (method_index_expression method: (identifier) @call))
(function_call name: (identifier) @_require (#eq? @_require "require") arguments: (arguments . (string content: (_) @import.module))) @import
(string content: (_) @literal)
