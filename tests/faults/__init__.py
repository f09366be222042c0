"""Broken networks, real signals: what a generation has to survive, and which test shows it.

Whatever happens, no character is lost or doubled, Claude is not asked more often than the fault makes necessary, and no
task or socket is left over: ``rig.whole``, ``rig.Rig.at_rest`` and a fixture of ``conftest`` see to that in each test.

=====================================================  ================================================================
the fault                                              the test
=====================================================  ================================================================
a reader's network breaks, again and again             test_readers: ``…network_breaks_again_and_again…``,
                                                       ``…cut_on_its_way…``
a page is loaded again                                 test_readers: ``…page_that_is_loaded_again…``
a page is hidden while its answer ends                 test_readers: ``…hidden_page…``
two pages, two devices                                 test_durability: ``…several_readers_see_the_same…``
a page resumes twice at once                           test_readers: ``…resumes_of_one_cursor_at_once…``
a question is sent again, its answer was lost          test_readers: ``…answer_was_lost…``, ``…arrives_in_part…``
fifty questions with one key at once                   test_idempotency: ``…fifty_concurrent_posts…``
one key, another question                              test_idempotency: ``…same_key_with_another_body…``
nginx is reloaded, its workers are killed,             test_through_nginx: ``…whose_nginx_goes_away…``,
it is stopped, killed, started                         ``…not_cut_by_a_reload``
nginx is away for a while                              test_through_nginx: ``…while_nginx_is_away…``
nginx is told to buffer                                test_through_nginx: ``…would_buffer…``
SIGTERM, answers shorter than the drain                test_signals: ``…end_within_the_drain…``, ``…slow_reader…``
SIGTERM, answers longer than the drain                 test_signals: ``…longer_than_the_drain…``
a second signal, signals to the group, to an idle one  test_signals; in demo mode: test_program
the process is killed                                  test_signals: ``…after_a_kill…``
Claude's connection breaks before content              test_upstream: ``…before_the_answers_first_byte…``,
                                                       ``…refuses_connections…``, ``…kept_connection…``
Claude's connection breaks after content, by RST or    test_upstream: ``wherever_the_connection_breaks…``,
by FIN, anywhere                                       ``wherever_an_answer_with_thinking…``, ``wherever_a_call…``
overloaded, inside 200, first or in the middle         test_breaks: ``what_fails_before_content…``,
                                                       ``after_a_break…``; test_upstream: ``an_overloaded_claude…``
429 and 529, with a time to wait                       test_upstream: ``…asks_to_wait…``, ``…date_to_wait_for…``;
                                                       test_breaks: ``a_long_retry_after…``, ``a_spent_limit…``
silence, and pings alone                               test_upstream: ``silence…``, ``…only_pings…``
one byte at a time                                     test_upstream, test_readers: ``…one_by_one…``
a slow reader                                          test_readers: ``…slow_reader…``, ``…waits_for_a_slow_reader…``
a reader that vanishes without a word                  test_readers: ``…vanishes…``, ``…nobody_reads…``
a cancel in the middle                                 test_readers: ``…a_cancel_closes_the_connection…``
a cancel at the very end                               test_readers: ``…thousand_races…``
no descriptors left                                    test_signals: ``without_descriptors…``
a thousand readers return at once                      test_readers: ``…thousand_readers…``
=====================================================  ================================================================

All of it at random, from a seed, for as long as one likes: ``tests/bench/chaos/``.
"""
