(class_declaration name: (identifier) @type.name) @type
(struct_declaration name: (identifier) @type.name) @type
(interface_declaration name: (identifier) @type.name) @type
(enum_declaration name: (identifier) @type.name) @type
(record_declaration name: (identifier) @type.name) @type
(delegate_declaration name: (identifier) @type.name) @type
(method_declaration name: (identifier) @function.name) @function
(constructor_declaration name: (identifier) @function.name) @function
(destructor_declaration name: (identifier) @function.name) @function
(local_function_statement name: (identifier) @function.name) @function
(operator_declaration operator: _ @function.exact) @function
(indexer_declaration "this" @function.name) @function
(property_declaration name: (identifier) @function.name accessors: (accessor_list (accessor_declaration body: (_)))) @function
(property_declaration name: (identifier) @function.name value: (arrow_expression_clause)) @function
(event_declaration name: (identifier) @function.name) @function
(base_list (identifier) @base)
(base_list (generic_name . (identifier) @base))
(base_list (qualified_name name: (identifier) @base))
(base_list (qualified_name name: (generic_name . (identifier) @base)))
(base_list (primary_constructor_base_type type: (identifier) @base))
(base_list (primary_constructor_base_type type: (generic_name . (identifier) @base)))
(invocation_expression function: (identifier) @call)
(invocation_expression function: (generic_name . (identifier) @call))
(invocation_expression function: (member_access_expression name: (identifier) @call))
(invocation_expression function: (member_access_expression name: (generic_name . (identifier) @call)))
(invocation_expression function: (conditional_access_expression (member_binding_expression name: (identifier) @call)))
(object_creation_expression type: (identifier) @call)
(object_creation_expression type: (generic_name . (identifier) @call))
(object_creation_expression type: (qualified_name name: (identifier) @call))
(using_directive !name [(identifier) (qualified_name)] @import.module) @import
(using_directive name: (identifier) @import.name . [(identifier) (qualified_name)] @import.module) @import
(string_literal) @literal
(verbatim_string_literal) @literal
(interpolated_string_expression) @literal
(raw_string_content) @literal
