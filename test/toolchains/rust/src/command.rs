//! What the tests ask of a command: see ../../command.test.ts.
use std::io::Read;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    for arg in &args {
        println!("arg {arg}");
    }
    println!("env {}", std::env::var("GREETING").unwrap_or_else(|_| "none".to_string()));

    let mut input = Vec::new();
    let copied = std::io::stdin()
        .read_to_end(&mut input)
        .and_then(|_| std::fs::write("/data/copy.txt", &input));
    if let Err(error) = copied {
        eprintln!("{error}");
        std::process::exit(1);
    }
    println!("copied {}", input.len());
    eprintln!("bye");
    std::process::exit(args.first().and_then(|code| code.parse().ok()).unwrap_or(0));
}
