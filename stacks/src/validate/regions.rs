//! Two regions: their networks are peered.

use super::Check;
use crate::spec::StackSpec;

impl Check {
    pub(super) fn regions(&mut self, spec: &StackSpec) {
        if !spec.two_regions() {
            return;
        }
        let (home, runtime) = (&spec.network, &spec.runtime_network);
        self.region("runtime_region", &spec.runtime_region);
        self.network("runtime_network", runtime);
        self.zones("runtime_network", runtime, &spec.runtime_region);
        let overlap = home.cidr.contains(&runtime.cidr) || runtime.cidr.contains(&home.cidr);
        let message = format!(
            "{} overlaps network.cidr, which is {}: networks that are peered share no addresses",
            runtime.cidr, home.cidr
        );
        let hint = "choose ranges for network.cidr and runtime_network.cidr that do not overlap";
        self.that(!overlap, "runtime_network.cidr", message, hint);
    }
}
