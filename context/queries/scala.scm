(class_definition name: (_) @type.exact) @type
(object_definition name: (_) @type.exact) @type
(trait_definition name: (_) @type.exact) @type
(enum_definition name: (_) @type.exact) @type
(given_definition name: (_) @type.exact) @type
(type_definition name: (_) @type.exact) @type
(function_definition name: (_) @function.exact) @function
(function_declaration name: (_) @function.exact) @function
(val_definition pattern: (identifier) @function.exact value: (lambda_expression)) @function
(extends_clause (type_identifier) @base)
(extends_clause (generic_type type: (type_identifier) @base))
(extends_clause (stable_type_identifier (type_identifier) @base))
(extends_clause (generic_type type: (stable_type_identifier (type_identifier) @base)))
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (field_expression field: (identifier) @call)))
(infix_expression operator: (identifier) @call)
(instance_expression (type_identifier) @call)
(instance_expression (generic_type type: (type_identifier) @call))
(instance_expression (stable_type_identifier (type_identifier) @call))
(import_declaration) @import @import.words
(import_declaration (namespace_selectors (identifier) @import.name)) @import
(import_declaration (namespace_selectors (_ name: (identifier) @import.name))) @import
(string) @literal
(interpolated_string_expression) @literal
