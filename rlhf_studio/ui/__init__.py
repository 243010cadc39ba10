"""The pages in the browser: Gradio around plain HTML that is rendered here, one file a page."""
