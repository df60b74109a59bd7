(class_declaration name: (_) @type.name) @type
(abstract_class_declaration name: (_) @type.name) @type
(interface_declaration name: (_) @type.name) @type
(enum_declaration name: (_) @type.name) @type
(type_alias_declaration name: (_) @type.name) @type
(function_declaration name: (_) @function.name) @function
(generator_function_declaration name: (_) @function.name) @function
(method_definition name: (_) @function.name) @function
(variable_declarator name: (identifier) @function.name value: [(arrow_function) (function_expression) (generator_function)]) @function
(assignment_expression left: (_) @function.name right: [(arrow_function) (function_expression) (generator_function)]) @function
(pair key: (_) @function.name value: [(arrow_function) (function_expression) (generator_function)]) @function
(public_field_definition name: (_) @function.name value: [(arrow_function) (function_expression)]) @function
(extends_clause value: (identifier) @base)
(implements_clause (type_identifier) @base)
(extends_type_clause type: (type_identifier) @base)
(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(import_statement source: (string) @import.module) @import
(import_statement (import_clause (named_imports (import_specifier name: (_) @import.name)))) @import
(import_statement (import_clause (identifier) @import.name)) @import
(export_statement source: (string) @import.module) @import
(string) @literal
(template_string) @literal
(variable_declarator name: (identifier) @wrapper.name value: (call_expression arguments: (arguments [(arrow_function body: (statement_block)) (function_expression)]))) @wrapper
(assignment_expression left: (member_expression) @wrapper.name right: (call_expression arguments: (arguments [(arrow_function body: (statement_block)) (function_expression)]))) @wrapper
(export_statement "default" @wrapper.name value: [(arrow_function) (function_expression) (generator_function)]) @wrapper
(export_statement "default" @type.name value: (class !name)) @type
(public_field_definition name: (_) @wrapper.name value: (call_expression arguments: (arguments [(arrow_function body: (statement_block)) (function_expression)]))) @wrapper
(variable_declarator name: (identifier) @wrapper.name value: [(parenthesized_expression [(arrow_function) (function_expression)]) (as_expression (parenthesized_expression [(arrow_function) (function_expression)])) (satisfies_expression (parenthesized_expression [(arrow_function) (function_expression)])) (ternary_expression [(arrow_function) (function_expression)])]) @wrapper
(implements_clause (generic_type name: (type_identifier) @base))
