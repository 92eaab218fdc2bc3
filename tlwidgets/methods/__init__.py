"""One transfer method a file: paper, idea, pure loss, step. A recipe names one; the loop looks it up."""
