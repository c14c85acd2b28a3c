//! Which accounts belong together: sets that grow together, four bytes an account.

/// Disjoint sets of the numbers from 0. The least number of a set stands for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Forest {
    parents: Vec<u32>,
}

impl Forest {
    /// So many sets of one.
    pub(super) fn of(count: u32) -> Self {
        Self { parents: (0..count).collect() }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.parents.len()).unwrap_or(u32::MAX)
    }

    /// The number above this one; in a flat forest the one that stands for its set.
    pub(super) fn parent(&self, of: u32) -> u32 {
        self.parents.get(of as usize).copied().unwrap_or(of)
    }

    fn hang(&mut self, number: u32, below: u32) {
        if let Some(parent) = self.parents.get_mut(number as usize) {
            *parent = below;
        }
    }

    /// The number that stands for the set of this one.
    pub(super) fn root(&mut self, mut number: u32) -> u32 {
        loop {
            let parent = self.parent(number);
            if parent == number {
                return number;
            }
            // Each step halves the way for the next search.
            let above = self.parent(parent);
            self.hang(number, above);
            number = above;
        }
    }

    /// Makes one set of the sets of both.
    pub(super) fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.hang(a.max(b), a.min(b));
    }

    /// Hangs every number directly below the one that stands for its set, and those for which
    /// `take_out` says so of that one below nothing.
    pub(super) fn flatten(&mut self, mut take_out: impl FnMut(u32) -> bool) {
        for number in 0..self.len() {
            // Parents are never greater: those before are flat already.
            let root = self.root(number);
            self.hang(number, root);
        }
        for number in (0..self.len()).rev() {
            if take_out(self.parent(number)) {
                self.hang(number, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_grow_together_and_fall_apart_as_a_whole() {
        let mut forest = Forest::of(6);
        forest.unite(4, 2);
        forest.unite(5, 4);
        forest.unite(0, 1);
        let roots: Vec<u32> = (0..6).map(|n| forest.root(n)).collect();
        assert_eq!(roots, [0, 0, 2, 3, 2, 2]);
        forest.flatten(|root| root == 2);
        let roots: Vec<u32> = (0..6).map(|n| forest.root(n)).collect();
        assert_eq!(roots, [0, 0, 2, 3, 4, 5]);
    }
}
