"""What lies on a disk: files written whole, folders, images, PNG, json, split files, images paired with labels."""
