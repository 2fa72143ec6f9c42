"""Every diagnostic that the compiler makes: one constructor a mistake, with its stable code.

E2xxx names and structure, E3xxx data, E4xxx index sets and mathematics, E5xxx compilation,
Wxxxx warnings. What each code means is told in `codes.md`.
"""

from __future__ import annotations

from allocc.compiler.algebra_errors import (
    bad_bounds as bad_bounds,
)
from allocc.compiler.algebra_errors import (
    bad_time as bad_time,
)
from allocc.compiler.algebra_errors import (
    decision_condition as decision_condition,
)
from allocc.compiler.algebra_errors import (
    division_by_zero as division_by_zero,
)
from allocc.compiler.algebra_errors import (
    empty_set as empty_set,
)
from allocc.compiler.algebra_errors import (
    free_index as free_index,
)
from allocc.compiler.algebra_errors import (
    index_mismatch as index_mismatch,
)
from allocc.compiler.algebra_errors import (
    limit_without_decision as limit_without_decision,
)
from allocc.compiler.algebra_errors import (
    needs_data as needs_data,
)
from allocc.compiler.algebra_errors import (
    needs_time as needs_time,
)
from allocc.compiler.algebra_errors import (
    negative_initial as negative_initial,
)
from allocc.compiler.algebra_errors import (
    negative_penalty as negative_penalty,
)
from allocc.compiler.algebra_errors import (
    not_a_number as not_a_number,
)
from allocc.compiler.algebra_errors import (
    not_a_relation as not_a_relation,
)
from allocc.compiler.algebra_errors import (
    not_a_set as not_a_set,
)
from allocc.compiler.algebra_errors import (
    not_indexed as not_indexed,
)
from allocc.compiler.algebra_errors import (
    outside_set as outside_set,
)
from allocc.compiler.algebra_errors import (
    same_compartment as same_compartment,
)
from allocc.compiler.algebra_errors import (
    shadowed_index as shadowed_index,
)
from allocc.compiler.algebra_errors import (
    strict_relation as strict_relation,
)
from allocc.compiler.algebra_errors import (
    too_large as too_large,
)
from allocc.compiler.algebra_errors import (
    undefined_function as undefined_function,
)
from allocc.compiler.algebra_errors import (
    unknown_label as unknown_label,
)
from allocc.compiler.algebra_errors import (
    unsupported_power as unsupported_power,
)
from allocc.compiler.algebra_errors import (
    wrong_index_count as wrong_index_count,
)
from allocc.compiler.algebra_errors import (
    wrong_tuple as wrong_tuple,
)
from allocc.compiler.data_errors import (
    bad_csv as bad_csv,
)
from allocc.compiler.data_errors import (
    bad_setting as bad_setting,
)
from allocc.compiler.data_errors import (
    blank_cell as blank_cell,
)
from allocc.compiler.data_errors import (
    blank_label as blank_label,
)
from allocc.compiler.data_errors import (
    cell_not_a_number as cell_not_a_number,
)
from allocc.compiler.data_errors import (
    empty_table as empty_table,
)
from allocc.compiler.data_errors import (
    file_outside as file_outside,
)
from allocc.compiler.data_errors import (
    file_too_large as file_too_large,
)
from allocc.compiler.data_errors import (
    many_rows as many_rows,
)
from allocc.compiler.data_errors import (
    missing_file as missing_file,
)
from allocc.compiler.data_errors import (
    missing_rows as missing_rows,
)
from allocc.compiler.data_errors import (
    no_value as no_value,
)
from allocc.compiler.data_errors import (
    not_utf8 as not_utf8,
)
from allocc.compiler.data_errors import (
    out_of_range as out_of_range,
)
from allocc.compiler.data_errors import (
    ragged_row as ragged_row,
)
from allocc.compiler.data_errors import (
    repeated_column as repeated_column,
)
from allocc.compiler.data_errors import (
    repeated_key as repeated_key,
)
from allocc.compiler.data_errors import (
    unknown_column as unknown_column,
)
from allocc.compiler.data_errors import (
    unknown_setting as unknown_setting,
)
from allocc.compiler.data_errors import (
    unreadable_file as unreadable_file,
)
from allocc.compiler.data_errors import (
    unused_rows as unused_rows,
)
from allocc.compiler.data_errors import (
    wrong_separator as wrong_separator,
)
from allocc.compiler.failures import (
    Failed as Failed,
)
from allocc.compiler.failures import (
    Poisoned as Poisoned,
)
from allocc.compiler.lowering_errors import (
    not_affine_dynamics as not_affine_dynamics,
)
from allocc.compiler.lowering_errors import (
    outside_domain as outside_domain,
)
from allocc.compiler.lowering_errors import (
    unbounded_factor as unbounded_factor,
)
from allocc.compiler.lowering_errors import (
    unsafe_step as unsafe_step,
)
from allocc.compiler.name_errors import (
    circular as circular,
)
from allocc.compiler.name_errors import (
    misplaced_statement as misplaced_statement,
)
from allocc.compiler.name_errors import (
    missing_library as missing_library,
)
from allocc.compiler.name_errors import (
    missing_statement as missing_statement,
)
from allocc.compiler.name_errors import (
    no_initial as no_initial,
)
from allocc.compiler.name_errors import (
    no_time as no_time,
)
from allocc.compiler.name_errors import (
    not_in_library as not_in_library,
)
from allocc.compiler.name_errors import (
    repeated_name as repeated_name,
)
from allocc.compiler.name_errors import (
    repeated_statement as repeated_statement,
)
from allocc.compiler.name_errors import (
    reserved_name as reserved_name,
)
from allocc.compiler.name_errors import (
    unknown_name as unknown_name,
)
from allocc.compiler.name_errors import (
    unused_name as unused_name,
)
from allocc.compiler.name_errors import (
    wrong_argument_count as wrong_argument_count,
)
from allocc.compiler.name_errors import (
    wrong_kind as wrong_kind,
)
