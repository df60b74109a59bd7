(class_declaration name: (_) @type.name) @type
(class name: (_) @type.name) @type
(function_declaration name: (_) @function.name) @function
(generator_function_declaration name: (_) @function.name) @function
(method_definition name: (_) @function.name) @function
(variable_declarator name: (identifier) @function.name value: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression left: (_) @function.name right: [(arrow_function) (function_expression) (generator_function)]) @function
(pair key: (_) @function.name value: [(arrow_function) (function_expression) (generator_function)]) @function
(field_definition property: (_) @function.name value: [(arrow_function) (function_expression)]) @function
(class_heritage (identifier) @base)
(class_heritage (member_expression property: (property_identifier) @base))
(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(import_statement source: (string) @import.module) @import
(import_statement (import_clause (named_imports (import_specifier name: (_) @import.name)))) @import
(import_statement (import_clause (identifier) @import.name)) @import
(export_statement source: (string) @import.module) @import
(call_expression function: (identifier) @_require (#eq? @_require "require") arguments: (arguments (string) @import.module)) @import
(string) @literal
(template_string) @literal
(variable_declarator name: (identifier) @wrapper.name value: (call_expression arguments: (arguments [(arrow_function body: (statement_block)) (function_expression)]))) @wrapper
(assignment_expression left: (member_expression) @wrapper.name right: (call_expression arguments: (arguments [(arrow_function body: (statement_block)) (function_expression)]))) @wrapper
(export_statement "default" @wrapper.name value: [(arrow_function) (function_expression) (generator_function)]) @wrapper
(export_statement "default" @type.name value: (class !name)) @type
(field_definition property: (_) @wrapper.name value: (call_expression arguments: (arguments [(arrow_function body: (statement_block)) (function_expression)]))) @wrapper
