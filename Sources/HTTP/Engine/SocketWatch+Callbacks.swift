import CCurl

extension SocketWatch {
    /// Has libcurl say to this watch what it waits for.
    func serve(_ multi: UnsafeMutableRawPointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        for code in [
            CCurl_multi_set_socket_callback(multi, socketIsWanted),
            // https://curl.se/libcurl/c/CURLMOPT_SOCKETFUNCTION.html
            CCurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context),
            CCurl_multi_set_timer_callback(multi, timeIsSet),
            // https://curl.se/libcurl/c/CURLMOPT_TIMERFUNCTION.html
            CCurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context),
        ] {
            precondition(code == CURLM_OK, "every libcurl says what it waits for")
        }
    }

    /// Has libcurl say which sockets this handle opens and closes.
    func serve(handle easy: UnsafeMutableRawPointer) -> CURLcode {
        let context = Unmanaged.passUnretained(self).toOpaque()
        for code in [
            CCurl_set_opened_callback(easy, socketIsOpen),
            CCurl_set_pointer(easy, CURLOPT_SOCKOPTDATA, context),
            CCurl_set_close_callback(easy, closeSocket),
            CCurl_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, context),
        ] where code != CURLE_OK {
            return code
        }
        return CURLE_OK
    }
}

// File-private and free, because a closure would take on the isolation of where it is written.

private func watch(_ context: UnsafeMutableRawPointer?) -> SocketWatch {
    guard let context else { preconditionFailure("every callback was given its watch") }
    return Unmanaged<SocketWatch>.fromOpaque(context).takeUnretainedValue()
}

private func socketIsWanted(
    _ easy: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t, _ what: Int32, _ context: UnsafeMutableRawPointer?,
    _ ofSocket: UnsafeMutableRawPointer?
) -> Int32 {
    watch(context).want(descriptor, what)
    return 0
}

private func timeIsSet(
    _ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    watch(context).setTime(milliseconds)
    return 0
}

private func socketIsOpen(
    _ context: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t, _ purpose: curlsocktype
) -> Int32 {
    // libcurl closes it then, and fails the transfer before a byte is sent.
    // https://curl.se/libcurl/c/CURLOPT_SOCKOPTFUNCTION.html
    watch(context).opened(descriptor) ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR
}

private func closeSocket(_ context: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t) -> Int32 {
    watch(context).end(descriptor)
    return 0
}
