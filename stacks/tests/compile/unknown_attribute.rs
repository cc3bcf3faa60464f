use stacks::cfn::{Naming, Stack, aws::ec2};

fn main() {
    let mut stack = Stack::new("network", &Naming::new("acme", "dev", "eu-west-2"));
    let vpc = stack.add("Vpc", ec2::Vpc::new().cidr_block("10.40.0.0/16"));
    stack.output("Url", vpc.queue_url());
}
