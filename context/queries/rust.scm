(struct_item name: (type_identifier) @type.name) @type
(enum_item name: (type_identifier) @type.name) @type
(union_item name: (type_identifier) @type.name) @type
(trait_item name: (type_identifier) @type.name) @type
(impl_item type: (_) @scope.name) @scope
(macro_definition name: (identifier) @macro.name) @macro
(function_item name: (identifier) @function.name) @function
(impl_item trait: (type_identifier) @base)
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (scoped_identifier name: (identifier) @call))
(macro_invocation macro: (identifier) @call)
(use_declaration argument: (_) @import.module) @import
(string_literal) @literal
(raw_string_literal) @literal
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (field_expression field: (field_identifier) @call)))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @call)))
(impl_item trait: (generic_type type: (type_identifier) @base))
(impl_item trait: (scoped_type_identifier name: (type_identifier) @base))
