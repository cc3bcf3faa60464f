//! What a warm process remembers.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use gix::{
    hash::{ObjectId, oid},
    objs::Kind,
};

/// Most bytes of objects that are kept for one repository.
const BUDGET: usize = 16 * 1024 * 1024;

/// Commits and trees of one repository, oldest out first. They are immutable,
/// so nothing here is ever wrong; it only gets useless.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    objects: HashMap<ObjectId, (Kind, Arc<Vec<u8>>)>,
    order: VecDeque<ObjectId>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, id: &oid) -> Option<(Kind, Arc<Vec<u8>>)> {
        self.objects.get(id).cloned()
    }

    pub(crate) fn insert(&mut self, id: ObjectId, kind: Kind, data: Arc<Vec<u8>>) {
        let size = data.len();
        if size > BUDGET / 4 || self.objects.insert(id, (kind, data)).is_some() {
            return;
        }
        self.order.push_back(id);
        self.bytes += size;
        while self.bytes > BUDGET
            && let Some(oldest) = self.order.pop_front()
        {
            if let Some((_, data)) = self.objects.remove(&oldest) {
                self.bytes -= data.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds() {
        let mut cache = Cache::default();
        let id = |n: u8| ObjectId::from_bytes_or_panic(&[n; 20]);
        for n in 0..9 {
            cache.insert(id(n), Kind::Tree, Arc::new(vec![n; BUDGET / 4]));
        }
        assert!(cache.bytes <= BUDGET);
        assert!(cache.get(&id(0)).is_none());
        assert!(cache.get(&id(8)).is_some());
        cache.insert(id(9), Kind::Tree, Arc::new(vec![0; BUDGET]));
        assert!(cache.get(&id(9)).is_none());
    }
}
