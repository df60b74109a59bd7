(class_declaration name: (name) @type.name) @type
(interface_declaration name: (name) @type.name) @type
(trait_declaration name: (name) @type.name) @type
(enum_declaration name: (name) @type.name) @type
(function_definition name: (name) @function.name) @function
(method_declaration name: (name) @function.name) @function
(base_clause (name) @base)
(base_clause (qualified_name (name) @base))
(class_interface_clause (name) @base)
(class_interface_clause (qualified_name (name) @base))
(use_declaration (name) @base)
(use_declaration (qualified_name (name) @base))
(function_call_expression function: (name) @call)
(function_call_expression function: (qualified_name (name) @call))
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(object_creation_expression (name) @call)
(object_creation_expression (qualified_name (name) @call))
(namespace_use_declaration !body (namespace_use_clause . [(name) (qualified_name)] @import.module)) @import
(namespace_use_declaration (namespace_name) @import.module body: (namespace_use_group (namespace_use_clause . (_) @import.name))) @import
(require_expression (string) @import.module) @import
(require_once_expression (string) @import.module) @import
(include_expression (string) @import.module) @import
(include_once_expression (string) @import.module) @import
(require_expression (binary_expression right: (string) @import.module)) @import
(require_once_expression (binary_expression right: (string) @import.module)) @import
(include_expression (binary_expression right: (string) @import.module)) @import
(include_once_expression (binary_expression right: (string) @import.module)) @import
(string) @literal
(encapsed_string) @literal
(heredoc_body) @literal
(nowdoc_body) @literal
(expression_statement (assignment_expression left: (variable_name (name) @function.name) right: [(anonymous_function) (arrow_function)])) @function
