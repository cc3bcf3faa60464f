use stacks::cfn::{Naming, Stack, aws::ec2};

fn main() {
    let mut stack = Stack::new("network", &Naming::new("acme", "dev", "eu-west-2"));
    stack.add("Subnet", ec2::Subnet::new().cidr_block("10.40.0.0/20"));
}
