use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::draw;
use super::model::{Key, Then};
use super::*;

fn row(cells: &[&str], mood: Mood, command: &str) -> Row {
    let cells = cells.iter().map(|it| (*it).to_owned()).collect();
    Row { cells, mood, command: command.to_owned() }
}

fn overview() -> Overview {
    let mut overview = Overview::new(
        "acme-dev · eu-west-2 · environment dev",
        vec![
            Panel::new("stacks", "platformctl status", "no stack"),
            Panel::new("dead letters", "platformctl ops dlq-list", "no dead letters"),
            Panel::new("errors", "platformctl ops error-rate --since 1h", "nobody called")
                .by_hand(),
        ],
    );
    let stack = |name: &str, status: &str, mood| {
        row(&[name, status], mood, &format!("platformctl diff {name}"))
    };
    let stacks = vec![
        stack("network", "UPDATE_COMPLETE", Mood::Good),
        stack("platform", "UPDATE_ROLLBACK_FAILED", Mood::Bad),
        stack("efs", "not deployed", Mood::Plain),
    ];
    assert_eq!(overview.ask(true), [0, 1, 2]);
    overview.learn(0, Ok(stacks), "09:41:07 UTC");
    overview.learn(1, Ok(Vec::new()), "09:41:08 UTC");
    overview
}

fn screen(overview: &Overview, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(overview, frame)).expect("drawn");
    terminal.backend().to_string()
}

#[test]
fn a_narrow_terminal_has_one_column_and_says_the_command() {
    insta::assert_snapshot!(screen(&overview(), 72, 20));
}

#[test]
fn a_wide_terminal_has_two_and_a_panel_that_fails_hides_no_other() {
    let mut overview = overview();
    overview.learn(
        2,
        Err("the API does not answer: connection refused".to_owned()),
        "09:41:09 UTC",
    );
    overview.press(Key::Down);
    insta::assert_snapshot!(screen(&overview, 110, 14));
}

#[test]
fn a_row_stays_in_sight_however_small_the_panel() {
    let mut overview = overview();
    overview.press(Key::Down);
    overview.press(Key::Down);
    let small = screen(&overview, 60, 12);
    assert!(small.contains("▸ efs") && small.contains("2 more, 1 bad"), "{small}");
    assert!(screen(&overview, 8, 4).lines().count() == 4, "nothing panics where nothing fits");
}

#[test]
fn what_was_known_stays_when_it_cannot_be_read_again() {
    let mut overview = overview();
    overview.learn(0, Err("throttled".to_owned()), "09:41:40 UTC");
    assert_eq!(overview.panels[0].rows().len(), 3);
    assert_eq!(overview.panels[0].read_at, "09:41:07 UTC", "that of what is shown");
    assert!(screen(&overview, 72, 30).contains("! throttled"));
    overview.learn(7, Ok(Vec::new()), "");
}

#[test]
fn what_leaves_traces_is_read_only_when_somebody_wants_it() {
    let mut overview = overview();
    assert_eq!(overview.ask(true), [0; 0], "one panel is still being read");
    overview.learn(2, Ok(Vec::new()), "09:41:09 UTC");
    assert_eq!(overview.ask(false), [0, 1]);
    assert_eq!(overview.reading(), 2);
    assert!(screen(&overview, 72, 30).contains("r reads again"));
}

#[test]
fn keys_move_and_leave_with_the_command_of_the_row() {
    let mut overview = overview();
    assert_eq!(overview.press(Key::Up), Then::Stay);
    overview.press(Key::Down);
    assert_eq!(overview.command(), Some("platformctl diff platform"));
    for _ in 0..9 {
        overview.press(Key::Down);
    }
    assert_eq!(overview.command(), Some("platformctl diff efs"));
    overview.press(Key::Next);
    overview.press(Key::Down);
    let dead_letters = Some("platformctl ops dlq-list".to_owned());
    assert_eq!(overview.press(Key::Choose), Then::Leave(dead_letters));
    overview.press(Key::Previous);
    overview.press(Key::Previous);
    assert_eq!(overview.focus(), 2);
    assert_eq!(overview.press(Key::Refresh), Then::Refresh);
    assert_eq!(overview.press(Key::Quit), Then::Leave(None));
    assert_eq!(Overview::default().press(Key::Choose), Then::Leave(None));
    // Fewer rows than before: the last is selected.
    overview.press(Key::Next);
    overview.learn(0, Ok(vec![row(&["one"], Mood::Plain, "")]), "");
    assert_eq!(overview.command(), Some("platformctl status"));
}
