"""What tests stand on: a loopback Hub, a browser with a visitor, apps, runners, pictures."""
