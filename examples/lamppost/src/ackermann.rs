//! The slow part.

use std::collections::LinkedList;

/// Calculates Ackermann's function by its definition, without any optimization. Each call that
/// waits for another one is a node on the heap. So it cannot overflow the stack, and is nicely
/// slow. `ackermann(3, 9)` waits 11 million times; `ackermann(5, 2)` has not ended yet.
pub(crate) fn ackermann(m: u32, mut n: u32) -> u32 {
    let mut waiting = LinkedList::from([m]);
    while let Some(m) = waiting.pop_back() {
        match (m, n) {
            (0, _) => n += 1,
            (_, 0) => {
                waiting.push_back(m - 1);
                n = 1;
            }
            _ => {
                waiting.extend([m - 1, m]);
                n -= 1;
            }
        }
    }

    n
}
