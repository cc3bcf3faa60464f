use stacks::cfn::{Naming, Stack, aws::ec2};

fn main() {
    let mut stack = Stack::new("network", &Naming::new("acme", "dev", "eu-west-2"));
    stack.add("Vpc", ec2::Vpc::new().enable_dns_support("yes"));
}
