"""Parts of reading an HTML page (`reading.page`): its body, its lines, its title, and the patterns of what is furniture."""
