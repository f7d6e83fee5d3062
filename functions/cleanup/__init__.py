"""The function `cleanup`: deletes expired documents and the documents of deleted accounts.

`shared/store/cleanup_runs.py` defines its terms: run, pass, purge and page.
"""
