(class_declaration name: (identifier) @type.name) @type
(interface_declaration name: (identifier) @type.name) @type
(enum_declaration name: (identifier) @type.name) @type
(record_declaration name: (identifier) @type.name) @type
(annotation_type_declaration name: (identifier) @type.name) @type
(method_declaration name: (identifier) @function.name) @function
(constructor_declaration name: (identifier) @function.name) @function
(compact_constructor_declaration name: (identifier) @function.name) @function
(superclass (type_identifier) @base)
(super_interfaces (type_list (type_identifier) @base))
(extends_interfaces (type_list (type_identifier) @base))
(method_invocation name: (identifier) @call)
(object_creation_expression type: (type_identifier) @call)
(import_declaration (scoped_identifier) @import.module) @import
(string_literal) @literal
(field_declaration declarator: (variable_declarator name: (identifier) @function.name value: (lambda_expression))) @function
(superclass (generic_type . (type_identifier) @base))
(super_interfaces (type_list (generic_type . (type_identifier) @base)))
(extends_interfaces (type_list (generic_type . (type_identifier) @base)))
(object_creation_expression type: (generic_type . (type_identifier) @call))
(object_creation_expression type: (scoped_type_identifier (type_identifier) @call .))
