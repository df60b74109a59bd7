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
