fn echo(text: String) -> String {
    text
}

toolgate_sdk::component!(echo);

fn main() {
    echo(String::new());
}
