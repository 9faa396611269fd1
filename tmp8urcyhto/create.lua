
wrk.method = "POST"
wrk.body = "FriendlyName=Welcome&Kind=voice&RcmlUrl=%2Fwelcome.xml"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
